import sys,numpy as np,onnx,onnxruntime as ort,time
from onnx import helper as h, numpy_helper as nh, TensorProto as T
sys.path.insert(0,'/work/main')
from keras_upsample.lowering._rules import minimal_filtering as mf
B,G=mf.B,mf.G
class Gr:
    def __init__(s): s.n=[];s.i=[];s.k=0
    def c(s,a,dt=np.float32):
        s.k+=1;nm=f"c{s.k}";s.i.append(nh.from_array(np.asarray(a,dt),nm));return nm
    def op(s,t,*x,**a):
        s.k+=1;o=f"t{s.k}";s.n.append(h.make_node(t,list(x),[o],name=o,**a));return o
def pool(g,x): return g.op("MaxPool",x,kernel_shape=[1,1])
def conv(g,x,w,pads,strides=(1,1),group=1,b=None):
    return g.op("Conv",x,g.c(w),*( [g.c(b)] if b is not None else []),pads=pads,strides=list(strides),group=group,kernel_shape=list(w.shape[2:]))
rng=np.random.default_rng(0)
def sums(g,x,c,H):
    tiles=H//4;out=[]
    for row in B:
        t=np.flatnonzero(row);f,l=t[0],t[-1]
        before,behind=1-f,max(l-1+4*(tiles-1)-(H-1),0)
        w=np.repeat(row[f:l+1][None,None,:,None],c,0)
        if before<0: pass
        out.append(conv(g,x,w,[before,0,behind,0],(4,1),c))
    return out
def finish(g,p,O,W,H):
    add=lambda a,b:g.op("Add",a,b); mul=lambda k,a:g.op("Mul",a,g.c(np.array([k]).reshape(1,1,1,1)))
    e,o=add(p[1],p[2]),g.op("Sub",p[1],p[2]); e2,o2=add(p[3],p[4]),g.op("Sub",p[3],p[4]); tw=mul(2,o2)
    r=[add(add(p[0],e),e2),add(o,tw),add(e,mul(4,e2)),add(add(o,mul(4,tw)),p[5])]
    r=[g.op("Relu",x) for x in r]
    y=g.op("Concat",*r,axis=3); return g.op("Reshape",y,g.c([1,O,H,W],np.int64))
def build(form,parts,O,H,W,src,save=None):
    g=Gr(); xs=[]
    for k,(c,s) in enumerate(zip(parts,src)):
        x=f"in{k}"; xs.append(pool(g,x) if s else x)
    w=(rng.random((O,sum(parts),3,3),dtype="float32")-.5)/50; b=np.zeros(O)
    off=np.cumsum([0,*parts])
    if form=="D":
        y=g.op("Relu",conv(g,g.op("Concat",*xs,axis=1),w,[1]*4,b=b))
    elif form=="DS":
        y=conv(g,xs[0],w[:,:off[1]],[1]*4,b=b)
        for k in range(1,len(xs)): y=g.op("Add",conv(g,xs[k],w[:,off[k]:off[k+1]],[1]*4),y)
        y=g.op("Relu",y)
    else:
        gw=np.einsum("oihw,ph->poiw",w,G)[:,:,:,None]
        if form=="F":
            s=sums(g,g.op("Concat",*xs,axis=1),sum(parts),H)
            p=[conv(g,s[i],gw[i],[0,1,0,1],b=b) for i in range(6)]
        elif form=="FS":
            S=[sums(g,x,c,H) for x,c in zip(xs,parts)]; p=[]
            for i in range(6):
                y=conv(g,S[0][i],gw[i][:,:off[1]],[0,1,0,1],b=b)
                for k in range(1,len(xs)): y=g.op("Add",conv(g,S[k][i],gw[i][:,off[k]:off[k+1]],[0,1,0,1]),y)
                p.append(y)
        elif form=="FC":
            S=[sums(g,x,c,H) for x,c in zip(xs,parts)]
            p=[conv(g,g.op("Concat",*[S[k][i] for k in range(len(xs))],axis=1),gw[i],[0,1,0,1],b=b) for i in range(6)]
        y=finish(g,p,O,W,H)
    y=pool(g,y); y=g.op("AveragePool",y,kernel_shape=[8,8],strides=[8,8])
    g.n.append(h.make_node("Identity",[y],["out"]))
    m=h.make_model(h.make_graph(g.n,"g",[h.make_tensor_value_info(f"in{k}",T.FLOAT,[1,c,H,W]) for k,c in enumerate(parts)],[h.make_tensor_value_info("out",T.FLOAT,None)],g.i),opset_imports=[h.make_opsetid("",18)],ir_version=10)
    so=ort.SessionOptions(); so.intra_op_num_threads=2; so.add_session_config_entry("session.force_spinning_stop","1"); so.log_severity_level=3
    return ort.InferenceSession(m.SerializeToString(),so,providers=["CPUExecutionProvider"])
def race(parts,O,H,W,src,forms):
    feeds={f"in{k}":rng.random((1,c,H,W),dtype="float32") for k,c in enumerate(parts)}
    S={f:build(f,parts,O,H,W,src) for f in forms}
    t={f:[] for f in forms}
    for r in range(15):
        for f in forms:
            a=time.perf_counter(); S[f].run(None,feeds); t[f].append(time.perf_counter()-a)
    print(parts,O,H,W,src,{f:f"{min(v)*1e3:.1f}/{np.median(v)*1e3:.1f}" for f,v in t.items()},flush=True)
if __name__=="__main__":
    F=["D","DS","F","FS","FC"]
    race([32,32],32,256,256,[1,1],F)
    race([32,32],32,256,256,[1,0],F)
    race([64],32,256,256,[1],["D","F"])
    race([32],32,256,256,[1],["D","F"])
    race([64,64],64,128,128,[1,0],F)
    race([128,128],128,64,64,[1,0],F)
    race([32]*5,32,256,256,[1,1,1,1,0],F)
    race([96,32],32,128,128,[1,0],F)
