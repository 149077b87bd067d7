package docker_test
import ("context";"testing";"time";"io";"archive/tar";"bytes";"github.com/stagegate/stagegate/runner";"github.com/stagegate/stagegate/runner/docker")
func TestZZ(t *testing.T){
 e,_:=docker.New(); ctx:=t.Context()
 for i:=0;i<6;i++{
 s:=time.Now(); lap:=func(n string){ t.Logf("%s %s",n,time.Since(s).Round(100*time.Microsecond)); s=time.Now()}
 img,err:=e.Image(ctx,busybox,func(string){}); if err!=nil{t.Fatal(err)}; lap("image")
 c,err:=e.Create(ctx,runner.Spec{Name:"zz",Image:img.ID,Command:[]string{"true"},Limits:runner.Limits{CPUs:2,Memory:1<<30,PIDs:100,LogLimit:64<<20},Labels:map[string]string{runner.LabelRunner:"zz"}})
 if err!=nil{t.Fatal(err)}; lap("create")
 var b bytes.Buffer; w:=tar.NewWriter(&b); w.WriteHeader(&tar.Header{Typeflag:tar.TypeReg,Name:"stagegate/output",Mode:0o666}); w.Close()
 c.Put(ctx,&b); lap("put")
 o,_,err:=c.Start(ctx); if err!=nil{t.Fatal(err)}; lap("start")
 for { _,err:=o.Next(); if err==io.EOF{break} }; lap("output end")
 c.Wait(ctx); lap("wait")
 for _, x := range list(t) { st,err:=api.ContainerStatPath(ctx,x,"/stagegate/output"); _ = err; _ = st }; lap("stat")
 r,_,err:=c.Get(ctx,"/stagegate/output"); if err!=nil{t.Fatal(err)}; io.Copy(io.Discard,r); r.Close(); lap("get")
 c.Remove(context.Background()); lap("remove")
 }
}

func list(t *testing.T) []string { b:=&bench{T:t,id:"zz"}; return []string{b.only().ID} }
